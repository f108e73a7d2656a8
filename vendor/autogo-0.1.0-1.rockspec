rockspec_format = "3.0"
package = "autogo"
version = "0.1.0-1"
source = { url = "." }
description = {
  summary = "Evolve a convolutional network's computation graph for a device",
  detailed = "Run `luarocks make vendor/autogo-0.1.0-1.rockspec` in the repository, after `make deps`.",
  license = "MIT",
}
dependencies = { "lua >= 5.4, < 5.5" }
build = {
  type = "make",
  build_target = "all",
  install_target = "install-lua",
  install_variables = { LUADIR = "$(LUADIR)", LIBDIR = "$(LIBDIR)" },
}
