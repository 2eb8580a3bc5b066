//! Bytes in, a lossless view, bytes out.
