#!/bin/sh
# After the files are there. dpkg says "configure" and the version before, if there was one;
# rpm says how many versions there are now. Nothing is enabled or started, but what runs is
# started anew after an upgrade.
set -e

case $1 in
configure) upgrade=${2:+yes} ;;
1) upgrade= ;;
[2-9]*) upgrade=yes ;;
*) exit 0 ;;
esac

# The user may be made by systemd, or not be here yet, as in a container.
make_user() {
	if command -v systemd-sysusers >/dev/null 2>&1 &&
		systemd-sysusers spot-ingest.conf && id spot-ingest >/dev/null 2>&1; then
		return
	fi
	id spot-ingest >/dev/null 2>&1 && return
	getent group spot-ingest >/dev/null 2>&1 || groupadd --system spot-ingest &&
		useradd --system --gid spot-ingest --home-dir /var/lib/spot-ingest --no-create-home \
			--shell /usr/sbin/nologin --comment 'Spot ingest' spot-ingest
}

# What is there is left as it is. The folder is given away last: from then on its owner decides
# what is in it.
make_state() {
	if [ ! -e /var/lib/spot-ingest ] && [ ! -L /var/lib/spot-ingest ]; then
		mkdir -m 0700 /var/lib/spot-ingest /var/lib/spot-ingest/staging &&
			chown spot-ingest:spot-ingest /var/lib/spot-ingest/staging /var/lib/spot-ingest
	fi
}

if make_user; then
	make_state || echo 'spot-ingest: /var/lib/spot-ingest could not be made' >&2
else
	echo 'spot-ingest: the user spot-ingest could not be made, without which the services do not start' >&2
fi

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || echo 'spot-ingest: systemctl daemon-reload failed' >&2
	if [ "$upgrade" ]; then
		systemctl try-restart 'spot-collector@*.service' 'spot-listener@*.service' ||
			echo 'spot-ingest: not all services could be started anew: systemctl status "spot-*"' >&2
	fi
fi
