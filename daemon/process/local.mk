libdaemon_la_SOURCES += \
	daemon/process/background.c \
	daemon/process/background.h \
	daemon/process/inherited.c \
	daemon/process/inherited.h \
	daemon/process/log.c \
	daemon/process/log.h \
	daemon/process/peer.c \
	daemon/process/peer.h \
	daemon/process/peer_process.c \
	daemon/process/peer_process.h \
	daemon/process/scheduling.c \
	daemon/process/scheduling.h \
	daemon/process/service_manager.c \
	daemon/process/service_manager.h
