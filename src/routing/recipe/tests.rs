//! Recipes as tables.
