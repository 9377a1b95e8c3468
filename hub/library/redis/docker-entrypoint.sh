#!/bin/sh
# Starts the server as the user redis; flags or a file alone are given to redis-server.
set -e
case "$1" in
-* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
    # Protected mode would refuse everybody who is not in this container.
    case " $* " in *" --protected-mode "* | *.conf*) ;; *) set -- "$@" --protected-mode no ;; esac
    if [ "$(id -u)" = 0 ]; then
        chown -R redis:redis /data
        exec setpriv --reuid=redis --regid=redis --init-groups -- "$@"
    fi
fi
exec "$@"
