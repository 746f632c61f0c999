EXTRA_DIST += conf/kyron-iod.conf

configdir = $(sysconfdir)/kyron-iod

# The administrator's file is left alone: not overwritten, and removed only if it is still ours.
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(configdir)/conf.d'
	test -e '$(DESTDIR)$(configdir)/kyron-iod.conf' || \
		$(INSTALL_DATA) $(srcdir)/conf/kyron-iod.conf '$(DESTDIR)$(configdir)/kyron-iod.conf'
uninstall-local:
	if cmp -s $(srcdir)/conf/kyron-iod.conf '$(DESTDIR)$(configdir)/kyron-iod.conf'; then \
		rm -f '$(DESTDIR)$(configdir)/kyron-iod.conf'; fi
	-rmdir '$(DESTDIR)$(configdir)/conf.d' '$(DESTDIR)$(configdir)' 2>/dev/null || :
