#!/bin/sh
# After the files are gone. dpkg says "remove", and "purge" once the configuration is gone too;
# rpm, which knows no such difference, says that no version remains.
set -e

# The links that "systemctl enable" has made. After dpkg's "remove" they stay, so that
# installing the package again has all as it was.
forget_enabled() {
	for link in /etc/systemd/system/*.wants/spot-collector@*.service \
		/etc/systemd/system/*.wants/spot-listener@*.service; do
		if [ -L "$link" ]; then
			rm -f "$link"
		fi
	done
}

case $1 in
remove) ;;
purge | 0) forget_enabled ;;
*) exit 0 ;;
esac

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || echo 'spot-ingest: systemctl daemon-reload failed' >&2
	systemctl reset-failed 'spot-collector@*.service' 'spot-listener@*.service' 2>/dev/null || :
fi

if [ "$1" != remove ] && [ -d /var/lib/spot-ingest ]; then
	echo 'spot-ingest: /var/lib/spot-ingest is left: it says what has been sent, and holds what has not.' \
		'The user spot-ingest is left too.'
fi
