libclient_la_SOURCES += \
	client/turn/inbox.c \
	client/turn/inbox.h \
	client/turn/outage.c \
	client/turn/outage.h
