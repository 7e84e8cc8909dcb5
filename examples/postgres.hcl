# A Key Trustee server that keeps everything on PostgreSQL 15 or later. As
# PostgreSQL's superuser, once:
#
#   CREATE ROLE ktsd LOGIN PASSWORD '…';
#   CREATE DATABASE keytrustee OWNER ktsd ENCODING 'UTF8' TEMPLATE template0;
#
# ktsd takes a database on when it starts, so it is stopped when this is applied
# for the first time: apply makes the tables, and starts ktsd's unit. What an
# earlier database holds is not moved.

database "postgres" {
  # What psql takes, but for a password, which has no place in a file
  # that many read. It stands in a password file, of mode 0600 and ktsd's own:
  #
  #   db.example.com:5432:keytrustee:ktsd:…
  url = "postgres://ktsd@db.example.com:5432/keytrustee?sslmode=verify-full&sslrootcert=/etc/pki/keytrustee/db-ca.pem&passfile=/etc/keytrustee/pgpass"

  # Or let a file of mode 0600 hold the whole URL, with the password in it:
  #
  #   url_file = "/etc/keytrustee/database-url"
}

server "kts01.example.com" {
  listen = ":11371"
}

organization "core-banking" {
  contacts = ["secops@example.com"]
  approval = "contacts"
}
