"""The dashboards of Grafana, made by `python -m deploy.grafana`."""
