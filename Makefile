# Tinpost. `make help` lists the targets; README.md says how to begin.
#
# A *variant* is one way to compile everything: `native` (the host's C library
# with the address and undefined-behaviour sanitizers, for tests), `fuzz`
# (clang, libFuzzer) and one for each release architecture (static musl).
# Each has its objects in build/VARIANT and its libraries in $(DEPS)/VARIANT.

VERSION := 0.1.0
BUILD   := build
# May be a link to a folder that several work trees share.
export DEPS ?= $(BUILD)/deps
PREFIX  ?= /usr/local
DESTDIR ?=
# Count up when tools/deps or the flags of the libraries change.
export DEPS_REVISION := 2

ARCHES    := x86_64 armhf arm64 mipsel
HOST_ARCH := $(patsubst aarch64,arm64,$(patsubst armv7%,armhf,$(shell uname -m)))
ARCH      ?= $(HOST_ARCH)

MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: FORCE

# --- what is compiled ---------------------------------------------------------

SRCS  := $(filter-out src/main.c,$(sort $(wildcard src/*/*.c)))
UNITS := $(sort $(wildcard tests/unit/*/*_test.c))
FUZZS := $(sort $(wildcard tests/fuzz/*_fuzz.c))

# --- flags --------------------------------------------------------------------

# Style guide, section 11.
CSTD  := -std=c11 -D_POSIX_C_SOURCE=200809L
WARN  := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wcast-qual \
	-Wwrite-strings -Wundef -Wformat=2 -Wimplicit-fallthrough \
	-Wconversion -Wno-sign-conversion
SAN   := -fsanitize=address,undefined -fno-sanitize-recover=all
# Where memory and flash are large, speed comes first.
SPEED_x86_64 := -O2
SPEED_arm64  := -O2
# The sources of a release as one: faster, and on boards smaller.
LTO := -flto=auto
SMALL := -fno-pie -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -ffile-prefix-map=$(CURDIR)/=
# (What looks uninitialised to the linker is behind a return code.)
STATIC := -static -no-pie -Wl,--gc-sections -Wno-maybe-uninitialized

# A hash table of 4 KB on the stack; the header needs to know it as well.
LZ4_FLAGS := -DLZ4_MEMORY_USAGE=12
# Tinpost has its own exclusive lock; user-mode emulation has no robust mutex.
LMDB_FLAGS := -DMDB_USE_ROBUST=0

BEARSSL := -isystem $(DEPS)/src/bearssl/inc
CARES   := -isystem $(DEPS)/src/c-ares/include -DCARES_STATICLIB
LZ4     := -isystem $(DEPS)/src/lz4/lib $(LZ4_FLAGS)
LMDB    := -isystem $(DEPS)/src/lmdb/libraries/liblmdb $(LMDB_FLAGS)

# Third-party headers, room by room (src/LAYERS has the same as data).
THIRD_net   := $(BEARSSL) $(CARES) $(LZ4)
THIRD_auth  := $(BEARSSL)
THIRD_trust := $(BEARSSL)
THIRD_box   := $(BEARSSL)
THIRD_store := $(LZ4) $(LMDB)
THIRD_tests := $(BEARSSL) $(CARES) $(LZ4) $(LMDB)

# Compiled for speed also in a release, which is compiled for size.
HOT := base/buf base/utf8 base/span base/cursor mime/token mime/address_list \
	mime/needle mime/text_search 	mime/summary imap/imap_reply imap/fetch_envelope store/record

# --- variants -----------------------------------------------------------------

CC_native     := gcc
AR_native     := ar
CFLAGS_native := -DTINPOST_FAULTS -O1 -g -fno-omit-frame-pointer $(SAN)
LIBCF_native  := -O1 -g -fsanitize=address

CC_fuzz       := clang
AR_fuzz       := ar
CFLAGS_fuzz   := -DTINPOST_FAULTS -O1 -g -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link $(SAN)
LIBCF_fuzz    := -O1 -g -fsanitize=address

CROSS_x86_64  := $(if $(filter x86_64,$(HOST_ARCH)),,x86_64-linux-gnu-)
CROSS_armhf   := $(if $(filter armhf,$(HOST_ARCH)),,arm-linux-gnueabihf-)
CROSS_arm64   := $(if $(filter arm64,$(HOST_ARCH)),,aarch64-linux-gnu-)
CROSS_mipsel  := mipsel-linux-gnu-
MUSL_x86_64   := x86_64-linux-musl
MUSL_armhf    := arm-linux-musleabihf
MUSL_arm64    := aarch64-linux-musl
MUSL_mipsel   := mipsel-linux-muslsf
GNU_x86_64    := x86_64-linux-gnu
GNU_armhf     := arm-linux-gnueabihf
GNU_arm64     := aarch64-linux-gnu
GNU_mipsel    := mipsel-linux-gnu
# Routers have no floating point unit; Debian's libgcc has: it warns, and
# integer code works (there is no other code here).
MACHINE_mipsel := -msoft-float
LDFLAGS_mipsel := -Wl,--no-warn-mismatch

# Stack canaries: on small machines only where there is an array of bytes, which
# is what can be overrun by text (-strong takes 25 KB of flash more).
GUARD_x86_64 := -fstack-protector-strong
GUARD_arm64  := -fstack-protector-strong
GUARD_armhf  := -fstack-protector
GUARD_mipsel := -fstack-protector

# $(call release_variant,ARCH): compilers and flags of a release.
define release_variant
CC_$(1)     := $$(abspath $$(DEPS))/$(1)/musl/bin/musl-gcc $$(MACHINE_$(1))
AR_$(1)     := $$(CROSS_$(1))gcc-ar
CFLAGS_$(1) := $$(or $$(SPEED_$(1)),-Os) $$(LTO) $$(SMALL) $$(GUARD_$(1))
LIBCF_$(1)  := $$(or $$(SPEED_$(1)),-Os) $$(SMALL) $$(MACHINE_$(1))
KERNEL_$(1) := -idirafter $$(DEPS)/$(1)/kernel
LDFLAGS_$(1) += $$(STATIC)
DEPS_ENV_$(1) := MUSL_TARGET=$$(MUSL_$(1)) CROSS=$$(CROSS_$(1)) \
	KERNEL_HEADERS="/usr/$$(GNU_$(1))/include /usr/include/$$(GNU_$(1)) /usr/include"
endef
$(foreach a,$(ARCHES),$(eval $(call release_variant,$(a))))

# $(call note,TEXT): keep TEXT in the target, which is new only when it changed.
define note
@mkdir -p $(@D)
@echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
endef

# $(call variant,V): the libraries, the objects and the archive of V.
define variant
STAMP_$(1) := $$(DEPS)/$(1)/built.$$(DEPS_REVISION)$$(SPEED_$(1))
$$(STAMP_$(1)): $$(DEPS)/src/fetched.$$(DEPS_REVISION)
	@CC="$$(CC_$(1))" AR="$$(AR_$(1))" \
	    CFLAGS="$$(LIBCF_$(1))" LZ4_FLAGS="$$(LZ4_FLAGS)" $$(DEPS_ENV_$(1)) \
	    DEPS_REVISION="$$(DEPS_REVISION)$$(SPEED_$(1))" tools/deps build $$(DEPS) $(1)

OBJS_$(1) := $$(SRCS:src/%.c=$$(BUILD)/$(1)/obj/%.o)
LIBS_$(1) := $$(BUILD)/$(1)/libtinpost.a $$(DEPS)/$(1)/libbearssl.a \
	$$(DEPS)/$(1)/libcares.a $$(DEPS)/$(1)/liblz4.a
COMPILE_$(1) := $$(CC_$(1)) $$(CSTD) $$(WARN) $$(CFLAGS_$(1)) -Isrc $$(KERNEL_$(1))

# Compiled again when the flags change, not at each change of the Makefile.
$$(BUILD)/$(1)/flags: FORCE
	$$(call note,$$(COMPILE_$(1)) $$(LDFLAGS_$(1)) $$(THIRD_tests))

$$(BUILD)/$(1)/obj/%.o: src/%.c $$(BUILD)/$(1)/flags | $$(STAMP_$(1))
	@mkdir -p $$(@D)
	$$(call show,CC,$(1)/$$*)
	$$(Q)$$(COMPILE_$(1)) $$(THIRD_$$(patsubst %/,%,$$(dir $$*))) \
	    $$(EXTRA) -MMD -MP -c $$< -o $$@

# LMDB itself, compiled in: its warnings and its unaligned access are its own.
$$(BUILD)/$(1)/obj/store/lmdb_impl.o: EXTRA = -w $(if \
    $(filter native fuzz,$(1)),-fno-sanitize=undefined)

# What each of 100,000 messages passes through in FETCH and SEARCH.
$$(HOT:%=$$(BUILD)/$(1)/obj/%.o): EXTRA = $(if $(filter native fuzz,$(1)),,-O2)

$$(BUILD)/$(1)/obj/base/version.o: EXTRA = -DTINPOST_VERSION='"$$(VERSION_$(1))"'
$$(BUILD)/$(1)/obj/base/version.o: $$(BUILD)/$(1)/version
$$(BUILD)/$(1)/version: FORCE
	$$(call note,$$(VERSION_$(1)))

# Made again, too, when a source went away.
$$(BUILD)/$(1)/members: FORCE
	$$(call note,$$(OBJS_$(1)))
$$(BUILD)/$(1)/libtinpost.a: $$(OBJS_$(1)) $$(BUILD)/$(1)/members
	@rm -f $$@
	@$$(AR_$(1)) rcsD $$@ $$(OBJS_$(1))

$$(BUILD)/$(1)/tinpost: $$(BUILD)/$(1)/obj/main.o $$(BUILD)/$(1)/libtinpost.a \
    $$(STAMP_$(1))
	$$(call show,LINK,$$@)
	$$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) $$(LDFLAGS_$(1)) $$< $$(LIBS_$(1)) -o $$@
	$$(if $$(filter $(1),$$(ARCHES)),@cp $$@ $$@.unstripped && \
	    $$(CROSS_$(1))strip $$@)

-include $$(OBJS_$(1):.o=.d) $$(BUILD)/$(1)/obj/main.d
endef

# A release names its commit; no date, so that it can be made again.
COMMIT := $(shell git rev-parse HEAD 2>/dev/null | cut -c1-8)
$(foreach a,$(ARCHES),$(eval VERSION_$(a) := $(VERSION)$(COMMIT:%=+g%)))
VERSION_native := $(VERSION)+test
VERSION_fuzz   := $(VERSION)+fuzz

# V=1 shows the commands.
Q    := $(if $(V),,@)
show  = $(if $(V),,@printf '%-5s %s\n' $(1) $(2))

.DEFAULT_GOAL := all
$(foreach v,native fuzz $(ARCHES),$(eval $(call variant,$(v))))

$(DEPS)/src/fetched.$(DEPS_REVISION):
	@tools/deps fetch $(DEPS)

# --- programs -----------------------------------------------------------------

.PHONY: all native release size install format help clean deps setup run

all: $(BUILD)/$(HOST_ARCH)/tinpost ## the static release binary for this machine: build/tinpost
	@cp -f $< $(BUILD)/tinpost
	@cp -f $<.unstripped $(BUILD)/tinpost.unstripped

native: $(BUILD)/native/tinpost ## the same with sanitizers, for tests: build/native/tinpost

release: $(BUILD)/$(ARCH)/tinpost ## ARCH=x86_64|armhf|arm64|mipsel: build/ARCH/tinpost, static and stripped
	@ls -l $<

# (below, TINPOST_BIN is the sanitized binary, for tests)
run: export TINPOST_BIN := $(CURDIR)/$(BUILD)/tinpost
run: ## install what is missing, build, and run a demo server on loopback
	@tools/install $(BUILD_PACKAGES)
	@$(MAKE) --no-print-directory all
	@tools/run

size: $(BUILD)/$(ARCH)/tinpost ## bytes of code and data, room by room (ARCH=...)
	@tools/size "$(CROSS_$(ARCH))size" $(BUILD)/$(ARCH)

install: all ## into $(DESTDIR)$(PREFIX), with a systemd unit and its user
	install -D -m 755 $(BUILD)/tinpost $(DESTDIR)$(PREFIX)/bin/tinpost
	@mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|g' tools/tinpost.service \
	    >$(DESTDIR)$(PREFIX)/lib/systemd/system/tinpost.service
	install -D -m 644 tools/tinpost.sysusers \
	    $(DESTDIR)$(PREFIX)/lib/sysusers.d/tinpost.conf
	@[ -n "$(DESTDIR)" ] || ! command -v systemd-sysusers >/dev/null || \
	    systemd-sysusers $(PREFIX)/lib/sysusers.d/tinpost.conf

deps: $(STAMP_native) $(STAMP_$(ARCH)) ## fetch and build the libraries only

clean: ## remove what was built; the libraries in DEPS stay
	@for e in $(BUILD)/*; do \
	    [ "$$e" = $(BUILD)/deps ] || [ "$$e" = $(BUILD)/demo ] || rm -rf "$$e"; \
	done

help: ## this list
	@awk -F ' *:.*## *' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' \
	    Makefile

# --- checks and tests ---------------------------------------------------------

.PHONY: lint check quick test faults fuzz fuzz-short units

# Executable ones are tests, the others are what they share.
E2E     := $(sort $(shell find tests/e2e -maxdepth 1 -name '*.[ps][yh]' -perm -100))
C_FILES := $(sort $(wildcard src/*.c src/*/*.[ch] tests/unit/*.h \
	tests/unit/*/*.[ch] tests/fuzz/*.[ch]))
RESULTS := $(BUILD)/results
RUN     := tools/runtests --results $(RESULTS)
# The quick tests kill processes and pull no plugs: where memory can keep their
# files, they need not wait for a disk.
IN_MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | \
	awk 'NR == 2 && $$4 > 1000000 { print "TMPDIR=/dev/shm" }')

# The sanitized binary is the one under test.
export TINPOST_BIN := $(CURDIR)/$(BUILD)/native/tinpost
export ASAN_OPTIONS := detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS := print_stacktrace=1

UNIT_BINS := $(UNITS:tests/unit/%.c=$(BUILD)/native/unit/%)
units: $(UNIT_BINS)

$(BUILD)/native/unit/%.o: tests/unit/%.c $(BUILD)/native/flags | $(STAMP_native)
	@mkdir -p $(@D)
	$(call show,CC,unit/$*)
	$(Q)$(COMPILE_native) $(THIRD_tests) -Itests/unit -MMD -MP -c $< -o $@

$(UNIT_BINS): %: %.o $(BUILD)/native/libtinpost.a
	$(Q)$(CC_native) $(CFLAGS_native) $< $(LIBS_native) -o $@

-include $(UNIT_BINS:=.d)
.SECONDARY: $(UNIT_BINS:=.o)

format: ## lay out every C file as clang-format wants it
	@clang-format -i $(C_FILES)

LINTS := "format=clang-format --dry-run -Werror $(C_FILES)" \
	tools/layers tools/rfc tools/banned tools/names

lint: ## format, layers, RFC index, banned calls, names
	@rm -f $(RESULTS)/lint.tsv
	@$(RUN) lint $(LINTS)

check: quick ## the quick part: lint, unit tests, transcripts (under a minute)
	@tools/runtests --results $(RESULTS) --sum

# Failures are in the results; what does not compile ends it at once.
quick: native units
	@rm -rf $(RESULTS)
	@$(RUN) -j2 lint $(LINTS) || :
	@$(RUN) -j2 tools $(sort $(wildcard tests/tools/*_test.py)) || :
	@$(IN_MEMORY) $(RUN) -j2 unit $(foreach u,$(UNIT_BINS),$(u:$(BUILD)/native/unit/%_test=%)=$(u)) || :
	@[ ! -x tools/wire ] || \
	    $(IN_MEMORY) $(RUN) --limit 300 wire "transcripts=tools/wire $(TINPOST_BIN) tests/wire" || :

# One of each family of commands; `make faults` takes all.
FAULT_WIRES := smtp/message smtp/bdat smtp/submission smtp/auth smtp/auth_tls \
	pop3/messages pop3/auth_scram pop3/stls imap/append \
	imap/append_refused_later imap/idle_selected imap/mailboxes_special \
	imap/starttls

faults: native ## every transcript with the n-th allocation, write, flush or put failing (minutes)
	@rm -f $(RESULTS)/faults.tsv
	@$(IN_MEMORY) $(RUN) --limit 7200 faults \
	    "transcripts=tools/faults $(TINPOST_BIN) tests/wire/smtp tests/wire/pop3 tests/wire/device"

test: ## everything, on a machine with nothing installed before
	@tools/install $(TEST_PACKAGES)
	@tools/install --unpack $(BUILD)/peers $(UNPACKED)
	@$(MAKE) --no-print-directory all native units $(FUZZ_BINS)
	@$(MAKE) --no-print-directory quick
	@$(MAKE) --no-print-directory fuzz-short || :
	@$(IN_MEMORY) $(RUN) --limit 600 faults \
	    "transcripts=tools/faults $(TINPOST_BIN) $(FAULT_WIRES:%=tests/wire/%.txt)" || :
	@$(RUN) --limit 900 e2e $(E2E) || :
	@tools/runtests --results $(RESULTS) --sum

# --- fuzzing ------------------------------------------------------------------

TIME ?= 600
ONLY ?=
FUZZ_NAMES := $(patsubst tests/fuzz/%_fuzz.c,%,$(FUZZS))
FUZZ_BINS  := $(FUZZ_NAMES:%=$(BUILD)/fuzz/bin/%)

$(FUZZ_BINS): $(BUILD)/fuzz/bin/%: tests/fuzz/%_fuzz.c $(BUILD)/fuzz/libtinpost.a
	@mkdir -p $(@D)
	$(call show,FUZZ,$*)
	$(Q)$(COMPILE_fuzz) -Wno-missing-prototypes -fsanitize=fuzzer -Itests/unit \
	    -Itests/fuzz $(THIRD_tests) -MMD -MP -MF $@.d $< $(LIBS_fuzz) -o $@

-include $(FUZZ_BINS:=.d)

FUZZ_RUN = tools/fuzz $(1) $(BUILD)/fuzz tests/fuzz/corpus

fuzz: $(if $(ONLY),$(BUILD)/fuzz/bin/$(ONLY),$(FUZZ_BINS)) ## fuzz every parser (TIME=seconds each, ONLY=name)
	@rm -f $(RESULTS)/fuzz.tsv
	@$(RUN) -j2 --limit 100000 fuzz $(foreach n,$(or $(ONLY),$(FUZZ_NAMES)),\
	    "$(n)=$(call FUZZ_RUN,$(TIME)) $(n)")

fuzz-short: $(FUZZ_BINS) ## a few seconds for each fuzz target
	@$(RUN) -j2 fuzz $(foreach n,$(FUZZ_NAMES),"$(n)=$(call FUZZ_RUN,3) $(n)")

# --- benchmarks ---------------------------------------------------------------

.PHONY: bench bench-quick queue-scale hot instructions profile

# (Packages first: a machine may have nothing but make.)
bench: ## beside Postfix and Dovecot, in one run, as root: build/bench/bench.md and .svg
	@tools/install $(BENCH_PACKAGES)
	@$(MAKE) --no-print-directory all hot
	@mkdir -p $(BUILD)/bench
	@tests/bench/instructions.py $(BUILD) $(HOT_ARCHES) | \
	    tee $(BUILD)/bench/instructions.txt
	@tests/bench/bench.py --instructions $(BUILD)/bench/instructions.txt

bench-quick: ## the same in five minutes
	@tools/install $(BENCH_PACKAGES)
	@$(MAKE) --no-print-directory all hot HOT_ARCHES=x86_64
	@mkdir -p $(BUILD)/bench
	@tests/bench/instructions.py $(BUILD) x86_64 | \
	    tee $(BUILD)/bench/instructions.txt
	@tests/bench/bench.py --quick --instructions $(BUILD)/bench/instructions.txt

queue-scale: ## what 100,000 messages that wait to be sent cost: two minutes
	@tools/install $(BUILD_PACKAGES)
	@$(MAKE) --no-print-directory all
	@tests/bench/queue_scale.py

# The hottest paths as programs of their own, of the released code.
PATHS := delivery fetch idle
HOT_ARCHES := x86_64 armhf mipsel
define hot
$$(BUILD)/$(1)/hot_%: tests/bench/hot_%.c tests/bench/hot.h $$(BUILD)/$(1)/libtinpost.a \
    $$(STAMP_$(1))
	$$(call show,LINK,$$@)
	$$(Q)$$(COMPILE_$(1)) -D_GNU_SOURCE -g $$(THIRD_tests) -Itests/unit -Itests/bench \
	    $$(LDFLAGS_$(1)) $$< $$(LIBS_$(1)) -o $$@
endef
$(foreach a,$(HOT_ARCHES),$(eval $(call hot,$(a))))

hot: $(foreach a,$(HOT_ARCHES),$(PATHS:%=$(BUILD)/$(a)/hot_%))

instructions: ## count them for a delivery, a FETCH and a notification (KEEP=1)
	@tools/install $(BENCH_PACKAGES)
	@$(MAKE) --no-print-directory hot
	@tests/bench/instructions.py $(if $(KEEP),--keep) $(BUILD) $(HOT_ARCHES)

# PATHS=delivery|fetch|idle; with PERF=1 by perf, else by callgrind.
profile: ## where the time of a path goes (PATHS=delivery|fetch|idle PERF=1)
	@tools/install $(BENCH_PACKAGES)
	@$(MAKE) --no-print-directory hot HOT_ARCHES=$(HOST_ARCH)
	@tests/bench/profile $(if $(PERF),perf,callgrind) $(BUILD)/$(HOST_ARCH) $(PATHS)

# --- what it needs from Debian ------------------------------------------------

BUILD_PACKAGES := gcc libc6-dev binutils make dpkg-dev xz-utils python3 openssl \
	ca-certificates debian-archive-keyring util-linux
# apt has one mail server on a system: Postfix; Exim is only unpacked, and so
# its libraries must be named.
UNPACKED := exim4-daemon-light
EXIM_LIBRARIES := libdb5.3 libgnutls-dane0 libidn12 libnsl2 libpcre2-8-0
TEST_PACKAGES := $(BUILD_PACKAGES) git clang clang-format libclang-rt-14-dev \
	curl swaks fetchmail mpop isync neomutt bsdutils qemu-user-static \
	python3-dkim python3-spf python3-yaml opendkim \
	postfix opendmarc dbconfig-no-thanks $(EXIM_LIBRARIES) \
	$(if $(shell command -v npm),,nodejs npm) \
	$(foreach a,$(filter-out $(HOST_ARCH),$(ARCHES)),\
	    gcc-$(subst _,-,$(GNU_$(a))) \
	    linux-libc-dev-$(a:x86_64=amd64)-cross)
BENCH_PACKAGES := $(BUILD_PACKAGES) postfix dovecot-imapd dovecot-pop3d \
	dovecot-lmtpd e2fsprogs mount openssl qemu-user valgrind linux-perf \
	$(foreach a,$(filter-out $(HOST_ARCH),$(HOT_ARCHES)),\
	    gcc-$(subst _,-,$(GNU_$(a))) \
	    linux-libc-dev-$(a:x86_64=amd64)-cross)

setup: ## install what the tests need
	@tools/install $(TEST_PACKAGES)
	@tools/install --unpack $(BUILD)/peers $(UNPACKED)
