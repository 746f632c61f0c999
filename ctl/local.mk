bin_PROGRAMS += kyronctl
kyronctl_SOURCES = \
	ctl/main.c \
	ctl/output.c \
	ctl/output.h \
	ctl/query.c \
	ctl/query.h \
	ctl/registrations.c \
	ctl/sessions.c \
	ctl/socket_address_lookup.c \
	ctl/socket_address_lookup.h \
	ctl/status.c \
	ctl/verb.h \
	ctl/version.c
kyronctl_LDADD = $(client_libs) $(SMARTCOLS_LIBS) $(JANSSON_LIBS) $(LIBMNL_LIBS)
