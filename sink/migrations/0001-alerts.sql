-- The read model of the alerts, written by the sink alone. All times are UTC. Texts compare by code point, so that ids which
-- differ in case or accents stay different rows.

-- One row per alert that was not purged: its state after the event with the highest sequence number.
-- `timestamp` is the last change of status, `created_at` the alert's own time, `updated_at` the time of its last event.
CREATE TABLE IF NOT EXISTS alerts (
  alert_id        VARCHAR(64)  NOT NULL,
  driver_id       VARCHAR(128) NOT NULL,
  source_type     VARCHAR(128) NOT NULL,
  severity        VARCHAR(32)  NOT NULL,
  status          VARCHAR(32)  NOT NULL,
  timestamp       DATETIME(3)  NOT NULL,
  metadata        JSON         NOT NULL,
  created_at      DATETIME(3)  NOT NULL,
  updated_at      DATETIME(3)  NOT NULL,
  sequence        INT          NOT NULL,
  status_sequence INT          NOT NULL COMMENT 'sequence of the event that set timestamp; 0 when none was seen',
  PRIMARY KEY (alert_id),
  KEY alerts_newest (created_at),
  KEY alerts_driver (driver_id, created_at),
  KEY alerts_source (source_type, created_at),
  KEY alerts_severity (severity, created_at),
  KEY alerts_status (status, created_at, alert_id, driver_id) COMMENT 'covers the count of open alerts per driver'
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What happened to each of them, in the order of `sequence`.
CREATE TABLE IF NOT EXISTS alert_events (
  event_id   VARCHAR(80)  NOT NULL,
  alert_id   VARCHAR(64)  NOT NULL,
  sequence   INT          NOT NULL,
  event_type VARCHAR(32)  NOT NULL,
  reason     VARCHAR(255) NOT NULL,
  old_status VARCHAR(32)  NULL,
  new_status VARCHAR(32)  NOT NULL,
  timestamp  DATETIME(3)  NOT NULL,
  metadata   JSON         NOT NULL,
  PRIMARY KEY (alert_id, sequence),
  UNIQUE KEY alert_events_id (event_id),
  KEY alert_events_newest (timestamp),
  CONSTRAINT alert_events_alert FOREIGN KEY (alert_id) REFERENCES alerts (alert_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Purged alerts and their events, whole.
CREATE TABLE IF NOT EXISTS alerts_archive (
  alert_id        VARCHAR(64)  NOT NULL,
  driver_id       VARCHAR(128) NOT NULL,
  source_type     VARCHAR(128) NOT NULL,
  severity        VARCHAR(32)  NOT NULL,
  status          VARCHAR(32)  NOT NULL,
  timestamp       DATETIME(3)  NOT NULL,
  metadata        JSON         NOT NULL,
  created_at      DATETIME(3)  NOT NULL,
  updated_at      DATETIME(3)  NOT NULL,
  sequence        INT          NOT NULL,
  status_sequence INT          NOT NULL,
  PRIMARY KEY (alert_id),
  KEY alerts_archive_newest (created_at),
  KEY alerts_archive_driver (driver_id, created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS alert_events_archive (
  event_id   VARCHAR(80)  NOT NULL,
  alert_id   VARCHAR(64)  NOT NULL,
  sequence   INT          NOT NULL,
  event_type VARCHAR(32)  NOT NULL,
  reason     VARCHAR(255) NOT NULL,
  old_status VARCHAR(32)  NULL,
  new_status VARCHAR(32)  NOT NULL,
  timestamp  DATETIME(3)  NOT NULL,
  metadata   JSON         NOT NULL,
  PRIMARY KEY (alert_id, sequence),
  UNIQUE KEY alert_events_archive_id (event_id),
  CONSTRAINT alert_events_archive_alert FOREIGN KEY (alert_id) REFERENCES alerts_archive (alert_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- How far the tables stand for each partition of the log; changes only in the transaction that writes the rows.
CREATE TABLE IF NOT EXISTS sink_offsets (
  topic        VARCHAR(249) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  partition_id INT    NOT NULL,
  next_offset  BIGINT NOT NULL,
  PRIMARY KEY (topic, partition_id)
) ENGINE = InnoDB;
