bin_PROGRAMS += kyronctl
# Everything but main, so that the unit tests can link it.
noinst_LTLIBRARIES += libctl.la
libctl_la_SOURCES = \
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
	ctl/happening_text.c \
	ctl/happening_text.h \
	ctl/help.c \
	ctl/help.h \
	ctl/holds.c \
	ctl/interrupt.c \
	ctl/interrupt.h \
	ctl/list_filter.c \
	ctl/list_filter.h \
	ctl/listeners.c \
	ctl/metrics.c \
	ctl/monitor.c \
	ctl/near_word.c \
	ctl/near_word.h \
	ctl/options.c \
	ctl/options.h \
	ctl/output.c \
	ctl/output.h \
	ctl/output_table.c \
	ctl/output_table.h \
	ctl/pause.c \
	ctl/policy.c \
	ctl/query.c \
	ctl/query.h \
	ctl/query_list.c \
	ctl/query_list.h \
	ctl/registrations.c \
	ctl/reload.c \
	ctl/screen.c \
	ctl/screen.h \
	ctl/sessions.c \
	ctl/set_reader.c \
	ctl/set_reader.h \
	ctl/shown_text.c \
	ctl/shown_text.h \
	ctl/socket_address_lookup.c \
	ctl/socket_address_lookup.h \
	ctl/status.c \
	ctl/terminal.c \
	ctl/terminal.h \
	ctl/top.c \
	ctl/top_picture.c \
	ctl/top_picture.h \
	ctl/top_rows.c \
	ctl/top_rows.h \
	ctl/top_table.c \
	ctl/top_table.h \
	ctl/user_name.c \
	ctl/user_name.h \
	ctl/verb.h \
	ctl/verbs.c \
	ctl/verbs.h \
	ctl/version.c \
	ctl/wait_target.c \
	ctl/wait_target.h \
	ctl/wait_view.c \
	ctl/wait_view.h \
	ctl/wait_words.c \
	ctl/wait_words.h \
	ctl/wait_watch.c \
	ctl/wait_watch.h \
	ctl/waits.c \
	ctl/why.c
kyronctl_SOURCES = ctl/main.c
ctl_libs = libctl.la $(client_libs) libwaits.la libmetrics_text.la $(SMARTCOLS_LIBS) $(JANSSON_LIBS)
kyronctl_LDADD = $(ctl_libs)
