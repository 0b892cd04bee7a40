-- What Prosody gives to a module, as far as it is used here.
std = "lua52"
globals = { "module" }
read_globals = { "prosody" }
max_line_length = 140
