-- wrk: one prepared form, from the file BODY.
local file = io.open(os.getenv("BODY"), "rb")

wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["X-Load-Test"] = "true"
wrk.headers["Content-Type"] = "multipart/form-data; boundary=benchmark"
file:close()
