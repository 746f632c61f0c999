libdaemon_la_SOURCES += \
	daemon/hold/hold.c \
	daemon/hold/hold.h \
	daemon/hold/note.c \
	daemon/hold/note.h
