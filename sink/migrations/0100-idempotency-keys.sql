-- Idempotency keys of the gateway: the alert id is kept with the key before the alert is produced, so that every repetition of
-- a request means the same alert. Times are UTC. `status` is null until the request was answered.
CREATE TABLE IF NOT EXISTS idempotency_keys (
  key_hash     BINARY(32)  NOT NULL,
  body_hash    BINARY(32)  NOT NULL,
  alert_id     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
  attempt      CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  leased_until DATETIME(3) NOT NULL,
  expires_at   DATETIME(3) NOT NULL,
  PRIMARY KEY (key_hash),
  KEY idempotency_keys_expiry (expires_at)
) ENGINE = InnoDB;
