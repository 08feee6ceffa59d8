-- The local database and its user. Run before connections are taken: at every start of the local binary, at the first start
-- of the container. The second pattern is for tests, which have a database each.
CREATE DATABASE IF NOT EXISTS alerts;
CREATE USER IF NOT EXISTS 'alerts'@'%' IDENTIFIED BY 'alerts';
GRANT ALL PRIVILEGES ON `alerts`.* TO 'alerts'@'%';
GRANT ALL PRIVILEGES ON `alerts\_%`.* TO 'alerts'@'%';
