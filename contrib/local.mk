# SPDX-License-Identifier: GPL-2.0-only
# What goes to places of other programs: units for systemd, completions for shells; and the service's policy.

# Completions, made of the tables of options, all at once.
nodist_bashcompletion_DATA = contrib/completions/bash/rsys-jail contrib/completions/bash/rsys-keygen contrib/completions/bash/rsys-preload contrib/completions/bash/rsys-sandboxd
nodist_zshcompletion_DATA = contrib/completions/zsh/_rsys-jail contrib/completions/zsh/_rsys-keygen contrib/completions/zsh/_rsys-preload contrib/completions/zsh/_rsys-sandboxd
EXTRA_DIST += build-aux/gen-completions
CLEANFILES += contrib/completions/stamp $(nodist_bashcompletion_DATA) $(nodist_zshcompletion_DATA)
$(nodist_bashcompletion_DATA) $(nodist_zshcompletion_DATA): contrib/completions/stamp
contrib/completions/stamp: build-aux/gen-completions src/jail/options.def src/keygen/options.def src/preload/options.def server/options.def contrib/local.mk
	$(AM_V_GEN)$(MKDIR_P) contrib/completions/bash contrib/completions/zsh && \
	gen() { $(top_srcdir)/build-aux/gen-completions bash $$1 $(top_srcdir)/$$2 $$3 >contrib/completions/bash/$$1 && \
		$(top_srcdir)/build-aux/gen-completions zsh $$1 $(top_srcdir)/$$2 $$3 >contrib/completions/zsh/_$$1; } && \
	gen rsys-jail src/jail/options.def COMMAND && gen rsys-preload src/preload/options.def COMMAND && gen rsys-keygen src/keygen/options.def DIRECTORY && gen rsys-sandboxd server/options.def && \
	touch $@

# Units.
if SYSTEMD
nodist_systemdsystemunit_DATA = contrib/systemd/rsys-sandboxd.service
dist_systemdsystemunit_DATA = contrib/systemd/rsys-sandboxd.socket
nodist_systemduserunit_DATA = contrib/systemd/user/rsys-sandboxd.service
else
EXTRA_DIST += contrib/systemd/rsys-sandboxd.socket
noinst_DATA += contrib/systemd/rsys-sandboxd.service contrib/systemd/user/rsys-sandboxd.service
endif
EXTRA_DIST += contrib/systemd/rsys-sandboxd.service.in contrib/systemd/user/rsys-sandboxd.service.in
CLEANFILES += contrib/systemd/rsys-sandboxd.service contrib/systemd/user/rsys-sandboxd.service
fill_unit = sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g'
contrib/systemd/rsys-sandboxd.service: contrib/systemd/rsys-sandboxd.service.in contrib/local.mk Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(fill_unit) $(srcdir)/contrib/systemd/rsys-sandboxd.service.in >$@.tmp && mv $@.tmp $@
contrib/systemd/user/rsys-sandboxd.service: contrib/systemd/user/rsys-sandboxd.service.in contrib/local.mk Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(fill_unit) $(srcdir)/contrib/systemd/user/rsys-sandboxd.service.in >$@.tmp && mv $@.tmp $@

# Debian's packages.
EXTRA_DIST += build-aux/check-packages \
	debian/changelog debian/control debian/copyright debian/librsys-dev.examples debian/librsys-dev.install debian/librsys0.install debian/not-installed debian/rules debian/rsys-jail.docs debian/rsys-jail.install debian/rsys-preload.install debian/rsys-preload.lintian-overrides \
	debian/rsys-sandboxd.install debian/source/format

# The service's policy is the administrator's from its first installation on.
EXTRA_DIST += contrib/policy.json
service_policy = $(DESTDIR)$(sysconfdir)/rsys/policy.json
install-data-local:
	$(MKDIR_P) $(DESTDIR)$(sysconfdir)/rsys
	test -e $(service_policy) || $(INSTALL_DATA) $(srcdir)/contrib/policy.json $(service_policy)
uninstall-local:
	if cmp -s $(srcdir)/contrib/policy.json $(service_policy); then rm -f $(service_policy); fi
	rmdir $(DESTDIR)$(sysconfdir)/rsys 2>/dev/null || :
