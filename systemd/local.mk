if HAVE_SYSTEMD
systemdsystemunit_DATA = systemd/kyron-iod.service systemd/kyron-iod.socket
dist_sysusers_DATA = systemd/sysusers.d/kyron-iod.conf
dist_tmpfiles_DATA = systemd/tmpfiles.d/kyron-iod.conf
endif

CLEANFILES += systemd/kyron-iod.service systemd/kyron-iod.socket
EXTRA_DIST += systemd/kyron-iod.service.in systemd/kyron-iod.socket.in

# By make and not by configure: only make knows what ${prefix} comes to.
fill_in = $(MKDIR_P) systemd && $(SED) \
	-e 's|@sbindir[@]|$(sbindir)|g' \
	-e 's|@socket[@]|$(KYRON_DEFAULT_SOCKET)|g' \
	-e 's|@user[@]|$(KYRON_DAEMON_USER)|g' \
	-e 's|@group[@]|$(KYRON_ADMIN_GROUP)|g'

systemd/kyron-iod.service: systemd/kyron-iod.service.in Makefile
	$(AM_V_GEN)$(fill_in) $(srcdir)/systemd/kyron-iod.service.in > $@
systemd/kyron-iod.socket: systemd/kyron-iod.socket.in Makefile
	$(AM_V_GEN)$(fill_in) $(srcdir)/systemd/kyron-iod.socket.in > $@
