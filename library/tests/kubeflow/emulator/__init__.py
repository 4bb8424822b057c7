"""The open-source Kubeflow Pipelines backend, emulated in this process, as far as TFX needs it.

It takes a compiled package, refuses what the backend refuses, and runs each step's own container
command in a process of its own; steps share nothing but the object store. It imports nothing of
`pipeline/`, so that it can judge what that compiles.

Rules were read from the sources of kubeflow/pipelines 2.17.0 (commit 4a3592c), argo-workflows
v4.0.5 and robfig/cron v1.2.0, the versions in its go.mod. References like `driver/resolve.go:102`
are lines of that tag: below `backend/src/` if they begin with `apiserver/` or `common/`, else below
`backend/src/v2/`. Each module says in its docstring which part of the backend it stands for.

    with Backend(store, StepProcess(env), folder, Settings()) as backend:
        run = backend.create_run(package.read(text), {"data_path": "s3://bucket/data"})
        assert run.wait() == "SUCCEEDED", run.failures

`api.server.ApiServer(backend)` is the server that kfp.Client speaks to.

What it does not cover: conditions, loops, sub-DAGs and exit handlers (a package with one is refused
with `NotEmulated`); workspaces, OCI artifacts, secrets and config maps as volumes; what a
cluster decides (scheduling, quotas, image pulls, users, Istio, credentials of stores); a metadata
service that steps could ask; multi-user mode; macros such as `[[RunUUID]]` in parameters. `gs://`
is a bucket of the same S3 server, for want of a stand-in of Google's.
"""
