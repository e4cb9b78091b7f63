<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\output;

use core\output\named_templatable;
use core\output\renderable;
use core\output\renderer_base;
use local_copbridge\local\lacking;
use local_copbridge\local\words;

/**
 * Everybody of a community with their hours: who needs help first.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class roster implements named_templatable, renderable {
    /** @var int people on a page */
    public const PAGE = 100;

    /** @var int things that are missing which a line has room for */
    private const MISSING = 2;

    /** @var words the community's words */
    private readonly words $words;

    /**
     * The page of everybody.
     *
     * @param int $courseid
     * @param string[] $people names by user id
     * @param \stdClass[] $standings by user id
     * @param \stdClass|null $community
     * @param int $page
     * @param string $groupmenu HTML to choose a group with; empty: there are none
     */
    public function __construct(
        /** @var int the course */
        private readonly int $courseid,
        /** @var string[] names by user id */
        private readonly array $people,
        /** @var \stdClass[] standings by user id */
        private readonly array $standings,
        /** @var \stdClass|null what is known of the community */
        private readonly ?\stdClass $community,
        /** @var int which page, from 0 */
        private readonly int $page = 0,
        /** @var string HTML to choose a group with */
        private readonly string $groupmenu = '',
    ) {
        $this->words = words::of_course($community);
    }

    #[\Override]
    public function get_template_name(renderer_base $renderer): string {
        return 'local_copbridge/roster';
    }

    /**
     * What the template needs.
     *
     * @param renderer_base $output
     * @return array
     */
    public function export_for_template(renderer_base $output): array {
        $ids = $this->in_order();
        $shown = array_slice($ids, $this->page * self::PAGE, self::PAGE);
        $drift = $this->community->drift ?? 0;
        $untold = $this->community === null && !$this->standings;
        return [
            'title' => get_string('roster_title', 'local_copbridge'),
            'community' => $this->community->community ?? '',
            'program' => $this->community ? $this->words->name('program', $this->community->program) : '',
            'groupmenu' => $this->groupmenu,
            'boardurl' => $this->board_url(),
            'untold' => $untold,
            'nobody' => !$untold && !$shown,
            'count' => words::counted('roster_people', count($ids)),
            'groups' => $this->counts($ids),
            'legend' => array_map(fn(string $code): array => [
                'colour' => bar::colour($code),
                'name' => $this->words->component($code),
            ], $this->community->components ?? []),
            'haspeople' => !$untold && $shown,
            'people' => array_map(fn(int $id): array => $this->person($id, $output), $shown),
            'fresh' => $this->community ? fresh::text($this->community, $this->community) : '',
            'drift' => $drift ? words::counted('roster_drift', $drift) : '',
        ];
    }

    /**
     * Who needs help first; of those who stand alike, who has fewer hours. Who nothing was told of comes last.
     *
     * @return int[] user ids
     */
    private function in_order(): array {
        $rank = array_flip(words::STATUSES);
        $keys = [];
        foreach ($this->people as $id => $name) {
            $standing = $this->standings[$id] ?? null;
            $keys[$id] = [$standing ? $rank[$standing->status] ?? 0 : PHP_INT_MAX, $standing->minutes ?? 0];
        }
        $ids = array_keys($this->people);
        // Sorting is stable: people who stand alike stay in the order of their names.
        usort($ids, fn(int $a, int $b): int => $keys[$a] <=> $keys[$b]);
        return $ids;
    }

    /**
     * How many stand how.
     *
     * @param int[] $ids
     * @return array[]
     */
    private function counts(array $ids): array {
        $counts = array_count_values(array_map(fn(int $id): string => $this->standings[$id]->status ?? 'untold', $ids));
        $found = [];
        foreach ([...words::STATUSES, 'untold'] as $status) {
            if (isset($counts[$status])) {
                $found[] = ['status' => $status, 'statusword' => $this->status($status), 'number' => $counts[$status]];
            }
        }
        return $found;
    }

    /**
     * A status, or that there is none yet.
     *
     * @param string $status
     * @return string
     */
    private function status(string $status): string {
        return $status === 'untold' ? get_string('roster_untold', 'local_copbridge') : $this->words->status($status);
    }

    /**
     * One line.
     *
     * @param int $id
     * @param renderer_base $output
     * @return array
     */
    private function person(int $id, renderer_base $output): array {
        $url = new \moodle_url('/local/copbridge/hours.php', ['courseid' => $this->courseid, 'userid' => $id]);
        $standing = $this->standings[$id] ?? null;
        $line = ['name' => $this->people[$id], 'url' => $url->out(false)];
        if ($standing === null) {
            return $line + ['status' => 'untold', 'statusword' => $this->status('untold')];
        }
        $bar = new bar($standing, $this->words, true);
        $missing = array_column((new lacking($this->words))->lines($standing->missing), 'text');
        $more = count($missing) - self::MISSING;
        return $line + [
            'told' => true,
            'status' => $standing->status,
            'statusword' => $this->status($standing->status),
            'total' => words::hours($standing->minutes),
            'ofband' => $bar->of_band(),
            'bar' => $bar->export_for_template($output),
            'missing' => implode('; ', array_slice($missing, 0, self::MISSING)) . ($more > 0 ? ' …' : ''),
        ];
    }

    /**
     * The community's page on the board; what isn't an address of the web isn't linked.
     *
     * @return string
     */
    private function board_url(): string {
        $url = $this->community->url ?? '';
        $scheme = strtolower((string) parse_url($url, PHP_URL_SCHEME));
        return in_array($scheme, ['https', 'http'], true) ? clean_param($url, PARAM_URL) : '';
    }
}
