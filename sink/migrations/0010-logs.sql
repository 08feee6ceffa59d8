-- Logs, written by the sink alone. All times are UTC.

-- The form of a day's logs; always empty itself. The logs of each UTC day are in a table of their own, `log_entries_<yyyymmdd>`, made
-- like this one: MySQL allows no full-text index on a table with partitions, and a day that is over is dropped as a whole either way.
-- Texts of messages are compared without regard to case, as searches are.
CREATE TABLE IF NOT EXISTS log_entries (
  timestamp     DATETIME(3)  NOT NULL,
  partition_id  INT          NOT NULL,
  log_offset    BIGINT       NOT NULL,
  service       VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  level         VARCHAR(8)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  message       MEDIUMTEXT   CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL,
  status_code   INT          NULL,
  response_time DOUBLE       NULL,
  meta          JSON         NOT NULL,
  PRIMARY KEY (timestamp, partition_id, log_offset),
  KEY log_entries_service (service, timestamp),
  KEY log_entries_level (level, timestamp),
  FULLTEXT KEY log_entries_message (message)
) ENGINE = InnoDB;

-- How many errors each service logged, by minute, hour and day, as the topology counts them.
CREATE TABLE IF NOT EXISTS log_error_counts (
  service      VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  resolution   VARCHAR(8)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bucket_start DATETIME(3)  NOT NULL,
  errors       BIGINT       NOT NULL,
  PRIMARY KEY (service, resolution, bucket_start),
  KEY log_error_counts_age (resolution, bucket_start)
) ENGINE = InnoDB;

-- The alerts that rules about logs have raised.
CREATE TABLE IF NOT EXISTS log_alerts (
  alert_id     VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule_id      VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule_type    VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  service      VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  severity     VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  log_count    BIGINT       NOT NULL,
  triggered_at DATETIME(3)  NOT NULL,
  alert        JSON         NOT NULL,
  PRIMARY KEY (alert_id),
  KEY log_alerts_rule (rule_id, triggered_at),
  KEY log_alerts_newest (triggered_at)
) ENGINE = InnoDB;
