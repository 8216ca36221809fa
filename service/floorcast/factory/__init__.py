"""A factory to try it with: demo data, people who keep it busy, history played again."""
