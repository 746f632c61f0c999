libdaemon_la_SOURCES += \
	daemon/hold/held_answer.c \
	daemon/hold/held_answer.h \
	daemon/hold/hold.c \
	daemon/hold/hold.h \
	daemon/hold/hold_record.c \
	daemon/hold/hold_record.h \
	daemon/hold/hold_store.c \
	daemon/hold/hold_store.h \
	daemon/hold/note.c \
	daemon/hold/note.h
