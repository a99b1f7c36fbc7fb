"""Language: stems, names and dates read locally, and language models behind one small interface."""
