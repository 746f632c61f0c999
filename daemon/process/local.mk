libdaemon_la_SOURCES += \
	daemon/process/background.c \
	daemon/process/background.h \
	daemon/process/inherited.c \
	daemon/process/inherited.h \
	daemon/process/log.c \
	daemon/process/log.h \
	daemon/process/log_line.h \
	daemon/process/log_output.c \
	daemon/process/log_output.h \
	daemon/process/log_queue.c \
	daemon/process/log_queue.h \
	daemon/process/log_shares.c \
	daemon/process/log_shares.h \
	daemon/process/peer.c \
	daemon/process/peer.h \
	daemon/process/peer_process.c \
	daemon/process/peer_process.h \
	daemon/process/scheduling.c \
	daemon/process/scheduling.h \
	daemon/process/service_manager.c \
	daemon/process/service_manager.h \
	daemon/process/system_calls.c \
	daemon/process/system_calls.h
