"""The application between people, runs and tables: it joins `vton`, which makes run folders, and `db`, which stores."""
