"""What makes the trail evidence for others: certificates, exports, and heads that are kept off this machine."""
