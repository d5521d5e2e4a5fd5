print("evaluated", flush=True)
