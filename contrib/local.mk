# SPDX-License-Identifier: GPL-2.0-only
# What goes to places of other programs: units for systemd, completions for shells; and the service's policy.

# Completions, made of the tables of options.
nodist_bashcompletion_DATA = contrib/completions/bash/rsys-jail contrib/completions/bash/rsys-sandboxd
nodist_zshcompletion_DATA = contrib/completions/zsh/_rsys-jail contrib/completions/zsh/_rsys-sandboxd
gen_completions = $(top_srcdir)/build-aux/gen-completions
EXTRA_DIST += build-aux/gen-completions
CLEANFILES += $(nodist_bashcompletion_DATA) $(nodist_zshcompletion_DATA)
contrib/completions/bash/rsys-jail: src/jail/options.def $(gen_completions)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(gen_completions) bash rsys-jail $(top_srcdir)/src/jail/options.def >$@.tmp && mv $@.tmp $@
contrib/completions/zsh/_rsys-jail: src/jail/options.def $(gen_completions)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(gen_completions) zsh rsys-jail $(top_srcdir)/src/jail/options.def >$@.tmp && mv $@.tmp $@
contrib/completions/bash/rsys-sandboxd: server/options.def $(gen_completions)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(gen_completions) bash rsys-sandboxd $(top_srcdir)/server/options.def >$@.tmp && mv $@.tmp $@
contrib/completions/zsh/_rsys-sandboxd: server/options.def $(gen_completions)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(gen_completions) zsh rsys-sandboxd $(top_srcdir)/server/options.def >$@.tmp && mv $@.tmp $@

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
	debian/changelog debian/control debian/copyright debian/not-installed debian/rules debian/rsys-jail.docs debian/rsys-jail.install \
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
