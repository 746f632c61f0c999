libdaemon_la_SOURCES += \
	daemon/restart/handover.c \
	daemon/restart/handover.h \
	daemon/restart/handover_answer.c \
	daemon/restart/handover_answer.h \
	daemon/restart/handover_execute.c \
	daemon/restart/handover_execute.h \
	daemon/restart/handover_state.c \
	daemon/restart/handover_state.h \
	daemon/restart/late_names.c \
	daemon/restart/late_names.h \
	daemon/restart/owned.c \
	daemon/restart/owned.h \
	daemon/restart/reload.c \
	daemon/restart/reload.h \
	daemon/restart/reload_apply.c \
	daemon/restart/reload_apply.h \
	daemon/restart/restore.c \
	daemon/restart/restore.h \
	daemon/restart/successor.c \
	daemon/restart/successor.h \
	daemon/restart/takeover.c \
	daemon/restart/takeover.h
