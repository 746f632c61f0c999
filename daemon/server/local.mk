libdaemon_la_SOURCES += \
	daemon/server/open_files.c \
	daemon/server/server.c \
	daemon/server/server.h \
	daemon/server/server_parts.h
