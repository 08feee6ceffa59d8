-- The read model of incidents, written by the sink alone, and the users that the API keeps. All times are UTC. Texts compare by
-- code point.

-- One row per incident: its state after the event with the highest sequence number. `document` is the whole incident as the
-- event carries it; the columns are what lists are filtered and ordered by.
CREATE TABLE IF NOT EXISTS incidents (
  incident_id  CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status       VARCHAR(16)  NOT NULL,
  severity     VARCHAR(8)   NOT NULL,
  service      VARCHAR(255) NULL,
  assignee     VARCHAR(255) NULL,
  fingerprint  VARCHAR(512) NOT NULL,
  created_at   DATETIME(3)  NOT NULL,
  triggered_at DATETIME(3)  NOT NULL COMMENT 'when it was opened, or reopened the last time',
  updated_at   DATETIME(3)  NOT NULL,
  sequence     INT          NOT NULL,
  document     JSON         NOT NULL,
  PRIMARY KEY (incident_id),
  KEY incidents_newest (created_at, incident_id),
  KEY incidents_triggered (triggered_at, incident_id),
  KEY incidents_status (status, created_at, incident_id),
  KEY incidents_severity (severity, created_at, incident_id),
  KEY incidents_service (service, created_at, incident_id),
  KEY incidents_assignee (assignee, created_at, incident_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The audit trail: what happened to each of them, in the order of `sequence`.
CREATE TABLE IF NOT EXISTS incident_events (
  incident_id CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sequence    INT          NOT NULL,
  event_type  VARCHAR(32)  NOT NULL,
  old_status  VARCHAR(16)  NULL,
  new_status  VARCHAR(16)  NOT NULL,
  severity    VARCHAR(8)   NOT NULL,
  service     VARCHAR(255) NULL,
  rule_id     VARCHAR(255) NULL,
  alert_id    VARCHAR(255) NULL,
  tier        INT          NULL,
  assignee    VARCHAR(255) NULL,
  actor       VARCHAR(255) NULL,
  timestamp   DATETIME(3)  NOT NULL,
  metadata    JSON         NOT NULL,
  PRIMARY KEY (incident_id, sequence),
  CONSTRAINT incident_events_incident FOREIGN KEY (incident_id) REFERENCES incidents (incident_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- People that incidents are made by and assigned to.
CREATE TABLE IF NOT EXISTS users (
  user_id    CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name       VARCHAR(255) NOT NULL,
  email      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
  created_at DATETIME(3)  NOT NULL,
  PRIMARY KEY (user_id),
  UNIQUE KEY users_email (email)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
