# AutoGO: `make demo` shows it at work, `make check` proves it. `make help` lists the rest.

PREFIX  ?= /usr/local
BUILD   ?= build
CC      ?= gcc
OPT     ?= -O2 -g
LUA     ?= lua5.4

# V=1 shows the commands.
Q := $(if $(V),,@)

# SANITIZE=1 builds everything under the address and undefined-behaviour sanitizers.
ifdef SANITIZE
BUILD   := $(BUILD)/sanitize
OPT     := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
endif

# FUZZ=1 builds everything for libFuzzer, under the same sanitizers.
ifdef FUZZ
BUILD   := $(BUILD)/fuzz
CC      := clang
OPT     := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
endif

VERSION  := $(shell sed -n 's/.*AG_VERSION "\(.*\)".*/\1/p' include/autogo/*.h)
PACKAGES := lua5.4 libcjson openblas libprotobuf-c
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror
# No contraction of a*b + c: results must not depend on the processor.
CFLAGS_ALL = -std=c11 $(WARNINGS) $(OPT) -ffp-contract=off -fPIC -pthread \
             -D_GNU_SOURCE -Iinclude -I. -I$(BUILD)/generated \
             $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null) $(CFLAGS)
# lp_solve ships static archives only; the Lua module needs the position-independent one.
LIBS = $(shell pkg-config --libs libcjson openblas libprotobuf-c 2>/dev/null) \
       -l:liblpsolve55_pic.a -lcolamd -ldl -lm -pthread
LUA_LIBS = $(shell pkg-config --libs lua5.4 2>/dev/null)

CORE_SOURCES := $(sort $(filter-out engine/bind/%,$(wildcard engine/*/*.c)))
BIND_SOURCES := $(sort $(wildcard engine/bind/*.c))
PROTOS       := $(wildcard engine/formats/*.proto)
CORE_OBJECTS := $(CORE_SOURCES:%.c=$(BUILD)/%.o) \
                $(PROTOS:engine/formats/%.proto=$(BUILD)/generated/%.pb-c.o)
BIND_OBJECTS := $(BIND_SOURCES:%.c=$(BUILD)/%.o)
TESTS        := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/*/test_*.c)))
FUZZERS      := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/fuzz/*.c)))
TEST_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/support/*.c)))

LIB    := $(BUILD)/libautogo.a
SHARED := $(BUILD)/libautogo.so
MODULE := $(BUILD)/autogo.so
BIN    := $(BUILD)/autogo

.PHONY: all deps test-deps demo check test tests bench docs lint install install-lua deb fuzz fuzzers clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(LIB) $(SHARED) $(MODULE) $(BIN)

help:
	@echo "make            build the library, the program and the Lua module into $(BUILD)/"
	@echo "make deps       install the Debian packages of vendor/packages.txt that are missing"
	@echo "make demo       deps, build, and evolve a ResNet-50"
	@echo "make check      deps, build, and run every test, then again under sanitizers"
	@echo "make test       run every test on the build at hand (SANITIZE=1: under sanitizers)"
	@echo "make fuzz       fuzz every reader for FUZZ_SECONDS=60 each (make check: 2 each); needs clang"
	@echo "make bench      measure against other programs, where they are installed"
	@echo "make lint       format and style of the sources: clang-format, luacheck"
	@echo "make docs       references of the Lua and C interfaces and the man page, into $(BUILD)/docs/"
	@echo "make deb        a Debian package, into $(BUILD)/deb/"
	@echo "make install    into PREFIX=$(PREFIX) (DESTDIR is honoured)"
	@echo "make clean      remove $(BUILD)/"

deps:
	@vendor/deps build

test-deps:
	@vendor/deps build test

# The names of the objects, touched when they change: an archive is also out of date when a source
# has gone.
OBJECTS := $(BUILD)/objects
ifneq ($(file <$(OBJECTS)),$(CORE_OBJECTS) $(BIND_OBJECTS))
.PHONY: $(OBJECTS)
endif
$(OBJECTS): | deps-hint
	@mkdir -p $(@D)
	@echo '$(CORE_OBJECTS) $(BIND_OBJECTS)' >$@

$(LIB): $(CORE_OBJECTS) $(OBJECTS)
	@rm -f $@
	@echo "  AR     $@"
	$(Q)$(AR) rcs $@ $(CORE_OBJECTS)

# What others may link against: the functions of the headers, or how Lua opens the module. All else,
# lp_solve's names among them, stays inside.
$(BUILD)/libautogo.map: $(wildcard include/autogo/*.h)
	@mkdir -p $(@D)
	@{ echo '{ global:'; grep -oh '\bag_[a-z0-9_]*(' $^ | sort -u | tr '(' ';'; echo 'local: *; };'; } >$@
$(BUILD)/module.map: | deps-hint
	@mkdir -p $(@D)
	@echo '{ global: luaopen_*; local: *; };' >$@

$(SHARED): $(CORE_OBJECTS) $(OBJECTS) $(BUILD)/libautogo.map
	@echo "  CC     $@"
	$(Q)$(CC) $(OPT) -shared -Wl,-soname,libautogo.so -Wl,--version-script=$(BUILD)/libautogo.map -o $@ \
	  $(CORE_OBJECTS) $(LIBS)

$(MODULE): $(BIND_OBJECTS) $(LIB) $(BUILD)/module.map
	@echo "  CC     $@"
	$(Q)$(CC) $(OPT) -shared -Wl,--version-script=$(BUILD)/module.map -o $@ $(BIND_OBJECTS) $(LIB) $(LIBS)

$(BIN): $(BUILD)/engine/main.o $(BIND_OBJECTS) $(LIB)
	@echo "  CC     $@"
	$(Q)$(CC) $(OPT) -Wl,-E -o $@ $^ $(LIBS) $(LUA_LIBS)

# Small loops over vectors decide the predictor's speed; -O2 leaves them scalar.
ifndef SANITIZE
$(BUILD)/engine/predict/%.o: OPT += -O3
endif

$(BUILD)/%.o: %.c | deps-hint
	@mkdir -p $(@D)
	@echo "  CC     $@"
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Generated code is not held to our warnings.
$(BUILD)/generated/%.pb-c.o: $(BUILD)/generated/%.pb-c.c
	@echo "  CC     $@"
	$(Q)$(CC) -std=c11 $(OPT) -fPIC -c -o $@ $<

$(BUILD)/generated/%.pb-c.c $(BUILD)/generated/%.pb-c.h: engine/formats/%.proto
	@mkdir -p $(@D)
	@echo "  PROTOC $@"
	$(Q)protoc-c --c_out=$(@D) --proto_path=$(<D) $(<F)

$(filter $(BUILD)/engine/formats/%,$(CORE_OBJECTS)): | $(PROTOS:engine/formats/%.proto=$(BUILD)/generated/%.pb-c.h)

$(BUILD)/tests/%: tests/%.c $(TEST_SUPPORT) $(LIB)
	@mkdir -p $(@D)
	@echo "  CC     $@"
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -MF $@.d -o $@ $< $(TEST_SUPPORT) $(LIB) $(LIBS) -lcmocka

$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(BIND_OBJECTS) $(LIB)
	@mkdir -p $(@D)
	@echo "  CC     $@"
	$(Q)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer -MMD -MP -MF $@.d -o $@ $< $(BIND_OBJECTS) $(LIB) $(LIBS) \
	  $(LUA_LIBS)

.PHONY: deps-hint
deps-hint:
	@vendor/deps --check build

tests: $(TESTS)

test: all tests
	@BUILD=$(BUILD) tests/run

fuzzers: $(FUZZERS)

fuzz: test-deps
	@$(MAKE) --no-print-directory FUZZ=1 all fuzzers $(patsubst %,$(BUILD)/fuzz/tests/formats/test_%, \
	  onnx_models graphdef_models keras_layers keras_graphs keras_functions)
	@FUZZ_KEEP=1 BUILD=$(BUILD)/fuzz tests/fuzz/run

bench: all
	@for script in tests/bench/*.sh; do BUILD=$(BUILD) sh $$script || exit 1; done

check: test-deps
	@tests/check

lint: test-deps
	@tests/lint

demo: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@$(BIN) evolve resnet50 --iterations 10 --seed 1 --out $(BUILD)/demo

docs: all
	@AUTOGO_LUA=lua $(BIN) run lua/docs/build.lua $(BUILD)/docs
	@if command -v ldoc >/dev/null; then (cd lua/docs && ldoc -q -d $(abspath $(BUILD))/docs/lua . >/dev/null) && echo "$(BUILD)/docs/lua/index.html"; \
	else echo "(the Lua reference needs LDoc: apt-get install lua-ldoc)"; fi

# What the package managers of C programs look for, for the place where we install.
define PKG_CONFIG
prefix=$(PREFIX)
Name: autogo
Description: Evolve the computation graph of a convolutional network for a device
Version: $(VERSION)
Libs: -L$${prefix}/lib -lautogo
Libs.private: $(LIBS)
Cflags: -I$${prefix}/include
endef
export PKG_CONFIG

deb:
	@vendor/debian/package $(VERSION) $(BUILD)/deb

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include/autogo
	install -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/autogo
	install -m 644 $(LIB) $(SHARED) $(DESTDIR)$(PREFIX)/lib/
	install -m 644 include/autogo/* $(DESTDIR)$(PREFIX)/include/autogo/
	@AUTOGO_LUA=lua $(BIN) run lua/docs/build.lua $(BUILD)/docs >/dev/null
	install -D -m 644 $(BUILD)/docs/autogo.1 $(DESTDIR)$(PREFIX)/share/man/man1/autogo.1
	install -D -m 644 $(BUILD)/docs/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/autogo
	install -D -m 644 $(BUILD)/docs/completion.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_autogo
	install -D -m 644 $(BUILD)/docs/completion.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/autogo.fish
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig
	@echo "$$PKG_CONFIG" >$(DESTDIR)$(PREFIX)/lib/pkgconfig/autogo.pc
	@$(MAKE) --no-print-directory install-lua LUADIR=$(DESTDIR)$(PREFIX)/share/lua/5.4 LIBDIR=$(DESTDIR)$(PREFIX)/lib/lua/5.4

# The Lua module alone, as LuaRocks wants it (vendor/autogo-*.rockspec).
install-lua: $(MODULE)
	install -D -m 755 $(MODULE) $(LIBDIR)/autogo.so
	cd lua && find autogo -type f -exec install -D -m 644 {} $(abspath $(LUADIR))/{} \;

clean:
	rm -rf build

-include $(CORE_OBJECTS:.o=.d) $(BIND_OBJECTS:.o=.d) $(BUILD)/engine/main.d $(TESTS:=.d) $(FUZZERS:=.d) $(TEST_SUPPORT:.o=.d)
