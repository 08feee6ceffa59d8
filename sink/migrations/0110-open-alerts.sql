-- The index by status also answers how many alerts of each source and severity are open, without reading the rows.
ALTER TABLE alerts
  DROP KEY alerts_status,
  ADD KEY alerts_status (status, created_at, alert_id, driver_id, source_type, severity)
    COMMENT 'covers the counts of open alerts per driver and per source';

-- What was closed in the last day is in the archive a few minutes later.
ALTER TABLE alerts_archive ADD KEY alerts_archive_closed (timestamp);
