libdaemon_la_SOURCES += \
	daemon/requests/claiming.c \
	daemon/requests/claiming.h \
	daemon/requests/dispatch.c \
	daemon/requests/dispatch.h \
	daemon/requests/inspect.c \
	daemon/requests/inspect.h \
	daemon/requests/inspect_services.c \
	daemon/requests/keeping.c \
	daemon/requests/keeping.h \
	daemon/requests/late_request.c \
	daemon/requests/late_request.h \
	daemon/requests/moving.c \
	daemon/requests/moving.h \
	daemon/requests/named_listener.c \
	daemon/requests/named_listener.h \
	daemon/requests/opening.c \
	daemon/requests/opening.h \
	daemon/requests/operating.c \
	daemon/requests/operating.h \
	daemon/requests/policy_testing.c \
	daemon/requests/policy_testing.h \
	daemon/requests/registering.c \
	daemon/requests/registering.h \
	daemon/requests/sharing.c \
	daemon/requests/sharing.h \
	daemon/requests/waiting_request.c \
	daemon/requests/waiting_request.h
