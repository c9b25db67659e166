//! Turns the YAML transcription of the gateway documentation into source files.
