-- What somebody decided about a request, until the Service has stated it; and why its deadline was extended, if it was.
ALTER TABLE rights_requests ADD COLUMN decision TEXT COLLATE "C" CHECK (decision IN ('done', 'refused', 'complex', 'many'));
ALTER TABLE rights_requests ADD COLUMN extended TEXT COLLATE "C" CHECK (extended IN ('complex', 'many'));
