std = "lua54"
max_line_length = 110
files["tests/lua/*_spec.lua"] = { std = "lua54+busted" }
