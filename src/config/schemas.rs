//! The JSON schemas of the files, for editors: generated from the rows and their doc comments.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::schema::{AgentsFile, HotlinesFile, MainFile, MappingFile, ProfileFile, TerritoriesFile, TrunksFile};

/// Each schema with the name of its file in `config/schemas/`, without `.schema.json`.
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        ("lianxian", of::<MainFile>()),
        ("trunks", of::<TrunksFile>()),
        ("hotlines", of::<HotlinesFile>()),
        ("territories", of::<TerritoriesFile>()),
        ("agents", of::<AgentsFile>()),
        ("profile", of::<ProfileFile>()),
        ("mapping", of::<MappingFile>()),
    ]
}

/// Draft 7: what TOML editors read.
fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<T>()
}

/// A schema as the text of its file.
pub fn text(schema: &Schema) -> String {
    let text = serde_json::to_string_pretty(schema).expect("a schema is JSON");
    format!("{text}\n")
}
