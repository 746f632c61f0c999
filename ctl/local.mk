bin_PROGRAMS += kyronctl
kyronctl_SOURCES = \
	ctl/argument.c \
	ctl/argument.h \
	ctl/chain_text.c \
	ctl/chain_text.h \
	ctl/descriptor_text.c \
	ctl/descriptor_text.h \
	ctl/diagnosis_clause.c \
	ctl/diagnosis_clause.h \
	ctl/diagnosis_text.c \
	ctl/diagnosis_text.h \
	ctl/direct_waits.c \
	ctl/direct_waits.h \
	ctl/drain.c \
	ctl/groups.c \
	ctl/holds.c \
	ctl/listeners.c \
	ctl/main.c \
	ctl/output.c \
	ctl/output.h \
	ctl/pause.c \
	ctl/policy.c \
	ctl/query.c \
	ctl/query.h \
	ctl/query_list.c \
	ctl/query_list.h \
	ctl/registrations.c \
	ctl/reload.c \
	ctl/sessions.c \
	ctl/set_reader.c \
	ctl/set_reader.h \
	ctl/socket_address_lookup.c \
	ctl/socket_address_lookup.h \
	ctl/status.c \
	ctl/user_name.c \
	ctl/user_name.h \
	ctl/verb.h \
	ctl/version.c \
	ctl/wait_target.c \
	ctl/wait_target.h \
	ctl/wait_view.c \
	ctl/wait_view.h \
	ctl/wait_words.c \
	ctl/wait_words.h \
	ctl/waits.c \
	ctl/why.c
kyronctl_LDADD = $(client_libs) libwaits.la $(SMARTCOLS_LIBS) $(JANSSON_LIBS)
