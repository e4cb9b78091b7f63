"""CoP program records: models, ledger, queries, migrations. Knows no Moodle client, no queue, no web."""
