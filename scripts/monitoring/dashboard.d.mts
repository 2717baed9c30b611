export function dashboardJson(): string;
export function queries(): { readonly title: string; readonly expr: string }[];
