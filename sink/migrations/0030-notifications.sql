-- Where incidents are told to, and the queue of what is told. All times are UTC. Texts compare by code point.

CREATE TABLE IF NOT EXISTS notification_channels (
  channel_id  CHAR(36)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name        VARCHAR(255)  NOT NULL,
  type        VARCHAR(16)   NOT NULL,
  target      VARCHAR(2048) NOT NULL,
  secret      VARCHAR(255)  NULL COMMENT 'signs what goes to a webhook',
  fallback_id CHAR(36)      CHARACTER SET ascii COLLATE ascii_bin NULL,
  enabled     BOOLEAN       NOT NULL,
  created_at  DATETIME(3)   NOT NULL,
  breaker     VARCHAR(16)   NOT NULL DEFAULT 'closed' COMMENT 'as the notifier last told it',
  breaker_at  DATETIME(3)   NULL,
  PRIMARY KEY (channel_id),
  CONSTRAINT notification_channels_fallback FOREIGN KEY (fallback_id) REFERENCES notification_channels (channel_id)
    ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row per event and channel, from the moment that the event was read. The id is made from both, so it is there once. It has no
-- reference to the channel: what was told stays known when the channel is gone.
CREATE TABLE IF NOT EXISTS notifications (
  notification_id CHAR(32)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  channel_id      CHAR(36)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  content         JSON          NOT NULL,
  status          VARCHAR(16)   NOT NULL,
  attempts        INT           NOT NULL,
  next_attempt_at DATETIME(3)   NOT NULL COMMENT 'while a notifier is at it: when that one counts as gone',
  claim           CHAR(36)      CHARACTER SET ascii COLLATE ascii_bin NULL,
  delivered_by    CHAR(36)      CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'the channel, or a fallback of it',
  last_error      VARCHAR(1024) NULL,
  event_at        DATETIME(3)   NOT NULL,
  created_at      DATETIME(3)   NOT NULL,
  expires_at      DATETIME(3)   NOT NULL,
  updated_at      DATETIME(3)   NOT NULL,
  PRIMARY KEY (notification_id),
  KEY notifications_due (status, next_attempt_at),
  KEY notifications_claim (claim),
  KEY notifications_newest (created_at, notification_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Those that failed at least once, with what became of them since.
CREATE OR REPLACE VIEW failed_notifications AS
  SELECT * FROM notifications WHERE last_error IS NOT NULL;
