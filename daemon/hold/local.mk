libdaemon_la_SOURCES += \
	daemon/hold/hold.c \
	daemon/hold/hold.h \
	daemon/hold/hold_record.c \
	daemon/hold/hold_record.h \
	daemon/hold/note.c \
	daemon/hold/note.h
