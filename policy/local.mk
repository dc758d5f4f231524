# SPDX-License-Identifier: GPL-2.0-only
noinst_LIBRARIES += librsys-policy.a
librsys_policy_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(SECCOMP_CFLAGS) $(CAP_CFLAGS) -DRSYS_PROFILES_DIR='"$(profilesdir)"'
librsys_policy_a_SOURCES = \
	policy/policy.h policy/internal.h policy/json.h policy/json.c policy/names.c policy/rules.c policy/sandbox-keys.c policy/group-keys.c policy/network-keys.c policy/clients-keys.c policy/compile.c policy/load.c policy/include.c policy/explain.c policy/explain-calls.c policy/oddities.c policy/learned.c policy/learned.h policy/paths-keys.c \
	policy/filter.h policy/filter.c policy/filter-guest.c policy/filter-trace.c policy/filter-executor.c
nodist_librsys_policy_a_SOURCES = policy/default-profile.c
# For the programs that link it.
POLICY_LIBS = librsys-policy.a librsys-core.a $(JANSSON_LIBS) $(SECCOMP_LIBS) $(CAP_LIBS)

# The built-in policy, as one string.
CLEANFILES += policy/default-profile.c
policy/default-profile.c: policy/profiles/default.json policy/local.mk
	@$(MKDIR_P) policy
	$(AM_V_GEN){ echo '#include "policy/internal.h"'; echo 'const char rsys_policy_default_text[] ='; \
	  sed 's/[\\"]/\\&/g; s/^/    "/; s/$$/\\n"/' $(srcdir)/policy/profiles/default.json; echo '    ;'; } >$@.tmp && mv $@.tmp $@

# Examples to start from, and the built-in one to read.
profilesdir = $(pkgdatadir)/profiles
dist_profiles_DATA = policy/profiles/default.json policy/profiles/debian-root.json policy/profiles/local-ipc.json \
	policy/profiles/read-only.json policy/profiles/build-box.json policy/profiles/network-client.json
