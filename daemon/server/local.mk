libdaemon_la_SOURCES += \
	daemon/server/open_files.c \
	daemon/server/open_files.h \
	daemon/server/server.c \
	daemon/server/server.h
