worker_class = "gthread"
workers = 1
threads = 3
