libclient_la_SOURCES += \
	client/turn/flush.c \
	client/turn/flush.h \
	client/turn/handle_life.c \
	client/turn/inbox.c \
	client/turn/inbox.h \
	client/turn/moving.c \
	client/turn/moving.h \
	client/turn/outage.c \
	client/turn/outage.h \
	client/turn/process_io.c \
	client/turn/process_io.h \
	client/turn/woken.c \
	client/turn/woken.h
