export const READ = { scopes: ['admin:read'] } as const;
