"""The top floor: intake, pages, REST API, sign-in and the command line."""
