export default function Page() {
  return 'photos';
}
